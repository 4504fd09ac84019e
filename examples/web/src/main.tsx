import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { Ended } from './ended.tsx'
import './style.css'

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no #root.')
createRoot(root).render(<StrictMode>{location.pathname === '/done' ? <Ended /> : <App />}</StrictMode>)
